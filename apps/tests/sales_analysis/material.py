"""Made-up exports about a cutting board, in the words that people search with."""

from __future__ import annotations

from collections.abc import Mapping

from accepted_apps.sales.model import Keyword, Keywords, Product

ASINS = tuple(f"B0CUT{number:05d}" for number in range(20))

BOARD = Product(
    asin="B0BOARD001",
    marketplace="US",
    url="https://www.amazon.com/dp/B0BOARD001",
    title="Holmdal Bamboo Cutting Board with Juice Groove, Wooden Chopping Board for Kitchen, Large, Set of 3",
    brand="Holmdal",
    bullets=[
        "[EASY CARE] Rinse it under the tap and let it dry. Dishwasher safe, guaranteed!",
        "Deep Juice Groove: the wide groove keeps juice and crumbs on the board; your counter stays clean",
        "Kind to Knives – bamboo is softer than glass or stone. Blades stay sharp ✅",
        "Three Sizes: one board for bread, one for meat, one for vegetables",
        "Made for Daily Use: reversible, with handles on both sides",
    ],
    overview={"Material": "Bamboo", "Color": "Natural"},
    category=["Home & Kitchen", "Kitchen & Dining", "Cutting Boards"],
)

# phrase: (relevancy by ranks, search volume, title density)
PHRASES: dict[str, tuple[int, int | None, int | None]] = {
    "cutting board": (10, 90_000, 30),
    "cutting boards": (10, 60_000, 28),
    "bamboo cutting board": (10, 30_000, 18),
    "wooden cutting board": (9, 25_000, 12),
    "chopping board": (9, 14_000, 6),
    "cutting board set": (9, 8_000, 5),
    "cutting boards for kitchen": (9, 21_000, 4),
    "board cutting": (8, 400, 0),
    "large cutting board": (8, 5_000, 3),
    "cutting board with juice groove": (8, 900, 2),
    "bamboo chopping board": (8, 2_100, 1),
    "bambo cutting board": (9, 700, 0),
    "wooden chopping board for kitchen": (8, 350, 0),
    "dishwasher safe cutting board": (6, 1_100, 2),
    "black cutting board": (5, 800, 3),
    "plastic cutting board": (4, 9_000, 9),
    "marble cutting board": (3, 2_500, 7),
    "cutting board oil": (2, 12_000, 15),
    "cutting board holder": (2, 1_900, 8),
    "bread knife": (1, 22_000, 14),
    "kitchen gadgets": (1, 74_000, 2),
    "kitchen gifts for women": (1, 9_500, 0),
    "best sellers": (0, 15_000, 0),
    "ikea cutting board": (5, 1_300, 1),
    "zorvax cutting board": (6, 600, 0),
    "marta's cutting board": (2, 150, 0),
    "holmdal board": (9, 90, 0),
    "tabla de cortar": (8, 4_200, 1),
    "tablas para cortar de madera": (8, 1_600, 0),
    "madera cortar": (3, 80, 0),
    "لوح تقطيع": (4, 300, 0),
    "how to clean a cutting board": (1, 500, 0),
    "b0cut00001|b0cut00002": (6, 120, 0),
    "board": (2, 33_000, 20),
    "cutting board for meat": (8, None, None),
}


def keyword(phrase: str, relevancy: int, volume: int | None, density: int | None) -> Keyword:
    """A keyword for which as many of 20 competitors rank in the top ten as its relevancy says."""
    return Keyword(
        phrase=phrase,
        key=phrase.casefold(),
        search_volume=volume,
        title_density=density,
        cpr=8 if volume else None,
        ranks={asin: 1 + at % 10 for at, asin in enumerate(ASINS[:relevancy])} | {ASINS[-1]: 48},
        in_files=("revenue",),
    )


def exports(phrases: Mapping[str, tuple[int, int | None, int | None]] | None = None) -> Keywords:
    """One export of revenue."""
    made = [keyword(phrase, *told) for phrase, told in (PHRASES if phrases is None else phrases).items()]
    return Keywords(keywords=made, asins={"revenue": ASINS}, reports={})
