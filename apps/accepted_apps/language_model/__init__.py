"""A language model behind any OpenAI-compatible endpoint, asked for answers of a stated shape.

model = LanguageModel(load(LanguageModelSettings, section="language_model"))
if model.configured:
    verdict, usage = await model.ask("Is this a keyword of a brand? …", Verdict)  # Verdict: a pydantic model
    job.spend(usage.cost, model.name)
"""

from accepted_apps.language_model.errors import (
    AnswerUnusable,
    KeyRefused,
    LanguageModelError,
    ModelMissing,
    ModelRateLimited,
    ModelTrouble,
    PaymentNeeded,
    QuestionRefused,
)
from accepted_apps.language_model.model import LanguageModel, Message
from accepted_apps.language_model.settings import LanguageModelSettings
from accepted_apps.language_model.usage import Usage

__all__ = [
    "AnswerUnusable",
    "KeyRefused",
    "LanguageModel",
    "LanguageModelError",
    "LanguageModelSettings",
    "Message",
    "ModelMissing",
    "ModelRateLimited",
    "ModelTrouble",
    "PaymentNeeded",
    "QuestionRefused",
    "Usage",
]
