"""What the papers write: made-up articles in five languages, the same on every start."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True)
class Language:
    """The words of one: `subjects` make the headlines, `sentences` the texts, with the subject in them."""

    code: str
    subjects: tuple[str, ...]
    headline: str
    sentences: tuple[str, ...]
    sections: tuple[str, ...]
    authors: tuple[str, ...]


@dataclass(frozen=True)
class Story:
    """One article. `published` is aware; `number` is unique within its paper."""

    number: int
    slug: str
    title: str
    lead: str
    paragraphs: tuple[str, ...]
    author: str
    section: str
    published: datetime
    tags: tuple[str, ...]

    @property
    def text(self) -> str:
        """What a reader reads, a paragraph in a line."""
        return "\n".join((self.lead, *self.paragraphs))


ENGLISH = Language(
    "en",
    (
        "harbour wall",
        "old lighthouse",
        "ferry timetable",
        "fish market",
        "swing bridge",
        "storm gauge",
        "rope factory",
        "night train",
    ),
    "What the town council decided about the {}",
    (
        "After four hours of debate the council agreed on Tuesday to spend more on the {} than in any year before.",
        "Engineers had warned since spring that the {} would not stand another winter without repairs.",
        "“We have waited long enough,” said the harbour master, who has looked after the {} for nineteen years.",
        "The first cranes are to arrive in March, and work on the {} should be done before the summer visitors come.",
        "Shopkeepers along the quay fear for their trade while the {} is closed, and ask for a temporary crossing.",
        "The opposition called the plan for the {} too dear, and voted against it together with two independents.",
        "A survey by the university found that seven of ten residents would rather keep the {} as it is.",
        "The money comes from a fund that was set up after the flood, when the {} was damaged for the first time.",
        "Children from the school on the hill have drawn the {} for an exhibition that opens on Friday.",
        "Whether the {} will be listed as a monument is for the ministry to decide by the end of the year.",
    ),
    ("Town", "Harbour", "Business"),
    ("Ada Quist", "Ben Holt", "Mira Lund"),
)
GERMAN = Language(
    "de",
    ("die Hafenmauer", "der Leuchtturm", "die Nachtfähre", "die Fischhalle", "die Drehbrücke", "das Pegelhaus"),
    "Was der Stadtrat jetzt entschieden hat: {}",
    (
        "Nach vier Stunden Debatte hat der Stadtrat am Dienstagabend mehr Geld bewilligt als je zuvor. Das Thema: {}.",
        "Seit dem Frühjahr hatten Ingenieure gewarnt, dass noch ein Winter zu viel wäre. Genannt wurde immer: {}.",
        "„Wir haben lange genug gewartet“, sagte die Hafenmeisterin nach neunzehn Jahren im Amt. Ihr Stichwort: {}.",
        "Die ersten Kräne kommen im März, und vor dem Sommer soll alles fertig sein. Im Mittelpunkt steht: {}.",
        "Die Händler am Kai fürchten um ihr Geschäft und fordern einen Ersatz. Gesperrt wird nämlich: {}.",
        "Die Opposition nannte den Plan zu teuer und stimmte mit zwei Parteilosen dagegen. Der Streitpunkt heißt: {}.",
        "Eine Umfrage der Universität ergab, dass sieben von zehn alles lassen wollen, wie es ist. Gefragt war: {}.",
        "Das Geld stammt aus einem Fonds, der nach der Flut eingerichtet wurde. Damals zum ersten Mal beschädigt: {}.",
    ),
    ("Stadt", "Hafen", "Wirtschaft"),
    ("Jörg Brüning", "Anke Möller"),
)
JAPANESE = Language(
    "ja",
    ("港の防波堤", "古い灯台", "夜行フェリー", "魚市場", "旋回橋"),
    "町議会が決めた{}の今後について",
    (
        "四時間にわたる議論の末、町議会は火曜日の夜、{}の修復にこれまでで最も多い予算を充てることを決めた。",
        "技術者たちは春から、{}は修理なしではもう一冬もたないと警告していた。",
        "「もう十分に待った」と、十九年にわたり{}を見守ってきた港長は語った。",
        "最初のクレーンは三月に到着し、{}の工事は夏の観光客が来る前に終わる見込みだ。",
        "岸壁沿いの商店主たちは、{}が閉鎖される間の売り上げを心配し、仮の通路を求めている。",
        "大学の調査によると、住民の十人に七人が{}を今のまま残したいと答えた。",
        "資金は、{}が初めて被害を受けた洪水の後に設けられた基金から出される。",
    ),
    ("地域", "港"),
    ("佐藤 花子", "鈴木 一郎"),
)
FRENCH = Language(
    "fr",
    (
        "la digue du port",
        "le vieux phare",
        "le bac de nuit",
        "la halle aux poissons",
        "le pont tournant",
        "la corderie",
    ),
    "Ce que le conseil municipal a décidé pour {}",
    (
        "Après quatre heures de débat, le conseil a voté mardi un budget record pour {}, attendu depuis longtemps.",
        "Les ingénieurs répétaient depuis le printemps que {} ne passerait pas un hiver de plus sans travaux.",
        "« Nous avons assez attendu », a déclaré la capitaine du port, qui veille sur {} depuis dix-neuf ans.",
        "Les premières grues arriveront en mars, et les travaux sur {} devraient finir avant les vacances d'été.",
        "Les commerçants du quai craignent pour leurs affaires tant que {} restera inaccessible au public.",
        "L'opposition juge le projet pour {} trop coûteux et a voté contre avec deux élus indépendants.",
        "Selon une enquête de l'université, sept habitants sur dix préfèrent garder {} en l'état.",
    ),
    ("Ville", "Port"),
    ("Élodie Perrin", "Hugo Lefèvre"),
)
SPANISH = Language(
    "es",
    ("el muro del puerto", "el viejo faro", "el ferry nocturno", "la lonja de pescado", "el puente giratorio"),
    "Lo que el ayuntamiento ha decidido sobre {}",
    (
        "Tras cuatro horas de debate, el pleno aprobó el martes por la noche un gasto sin precedentes en {}.",
        "Los ingenieros advertían desde la primavera de que {} no aguantaría otro invierno sin reparaciones.",
        "«Ya hemos esperado bastante», dijo la capitana del puerto, que cuida de {} desde hace diecinueve años.",
        "Las primeras grúas llegarán en marzo y las obras en {} deberían acabar antes de que lleguen los turistas.",
        "Los comerciantes del muelle temen por sus ventas mientras {} permanezca cerrado y piden una alternativa.",
        "La oposición calificó el plan para {} de demasiado caro y votó en contra junto con dos independientes.",
    ),
    ("Ciudad", "Puerto"),
    ("Lucía Ferrer", "Marcos Vidal"),
)

_NEWEST = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)


def stories(language: Language, prefix: str, start: int) -> tuple[Story, ...]:
    """A paper's articles, newest first."""
    return tuple(_story(language, prefix, start, index) for index in range(len(language.subjects)))


def _story(language: Language, prefix: str, start: int, index: int) -> Story:
    subject = language.subjects[index]
    count = len(language.sentences)
    said = [language.sentences[(index + offset) % count].format(subject) for offset in range(count)]
    said = [sentence[:1].upper() + sentence[1:] for sentence in said]
    pairs = tuple(" ".join(said[at : at + 2]) for at in range(1, count, 2))
    return Story(
        number=start + index,
        slug=f"{prefix}-{index + 1}",
        title=language.headline.format(subject),
        lead=said[0],
        paragraphs=pairs,
        author=language.authors[index % len(language.authors)],
        section=language.sections[index % len(language.sections)],
        published=_NEWEST - timedelta(hours=7 * index, minutes=13 * index),
        tags=(language.sections[index % len(language.sections)], subject),
    )
