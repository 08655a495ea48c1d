"""Made-up content, the same on every start: products, an article, measurements."""

from dataclasses import asdict, dataclass
from typing import Any

_KINDS = ("Kettle", "Lamp", "Backpack", "Notebook", "Teapot", "Blanket", "Clock", "Chair")
_STYLES = ("Harbour", "Linden", "North", "Meadow", "Granite", "Paper")
_MAKERS = ("Alder & Sons", "Brightwater", "Companion Goods", "Dovetail Works")


@dataclass(frozen=True)
class Product:
    """One thing in the shop."""

    sku: str
    name: str
    maker: str
    price: str
    rating: str
    reviews: int
    stock: str
    hue: int


@dataclass(frozen=True)
class Reading:
    """One day of a weather station."""

    day: str
    low: str
    high: str
    rain: str
    wind: str


def _product(index: int) -> Product:
    cents = 1295 + (index * 7919) % 18_000
    return Product(
        sku=f"PG-{1001 + index}",
        name=f"{_STYLES[index % len(_STYLES)]} {_KINDS[(index * 5) % len(_KINDS)]}",
        maker=_MAKERS[index % len(_MAKERS)],
        price=f"€ {cents / 100:,.2f}",
        rating=f"{3 + (index * 37 % 20) / 10:.1f}",
        reviews=(index * 131) % 900,
        stock="Sold out" if index % 7 == 6 else "In stock",
        hue=(index * 47) % 360,
    )


def _reading(day: int) -> Reading:
    low = 2 + (day * 5) % 7
    return Reading(
        day=f"{day} November",
        low=f"{low} °C",
        high=f"{low + 4 + day % 3} °C",
        rain=f"{(day * 13) % 90 / 10:.1f} mm",
        wind=f"{6 + (day * 11) % 23} km/h",
    )


PRODUCTS = tuple(_product(index) for index in range(24))
READINGS = tuple(_reading(day) for day in range(1, 31))


def products_json() -> list[dict[str, Any]]:
    """The products as the shop's API gives them to scripts."""
    return [asdict(product) for product in PRODUCTS]


def product_image(hue: int) -> str:
    """A picture of a product: two shapes in its colour."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 200">'
        f'<rect width="320" height="200" fill="hsl({hue} 45% 92%)"/>'
        f'<circle cx="160" cy="92" r="56" fill="hsl({hue} 42% 62%)"/>'
        f'<rect x="92" y="140" width="136" height="22" rx="11" fill="hsl({(hue + 30) % 360} 38% 48%)"/></svg>'
    )
