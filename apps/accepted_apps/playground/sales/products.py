"""What is sold: one made-up product in the words of each marketplace, and where pages differ from it."""

from dataclasses import dataclass
from typing import Final

PRODUCT: Final = "B0PLAYPEAR"
"""On sale in every marketplace; its page is laid out as most are."""

MODERN: Final = "B0PLAYNEXT"
"""The same, laid out as newer pages are: price in parts, facts in columns, choices inline."""

BOOK: Final = "3161484100"
BARE: Final = "B0PLAYBARE"
"""A page with a title and hardly more."""

MOVED: Final = "B0PLAYMOVE"
"""Leads to the page of `PRODUCT`."""

ROBOT: Final = "B0PLAYROBO"
"""Amazon asks who is there: letters in a picture."""

BLOCKED: Final = "B0PLAYBUSY"
"""503 for everybody who does not come through a proxy."""

EMPTY: Final = "B0PLAYNONE"
"""A page of the shop that shows no product."""

BRAND: Final = "Orchardly & Söhne"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a marketplace's page of the product says. store: the line under the title. price: as it is read out."""

    language: str
    title: str
    bullets: tuple[str, ...]
    store: str
    by: str
    price: str
    old_price: str
    amount: float
    currency: str
    brand: str
    flavour: tuple[str, str]
    weight: tuple[str, str]
    maker: str
    rank: tuple[str, str]
    reviews_label: str
    stars: str
    ratings: str
    category: tuple[str, ...]
    stock: str
    fits: str
    more: str
    description: str


_ENGLISH: Final = {
    "title": "Orchardly & Söhne Dried Pears, Unsulphured Pear Slices without Added Sugar, 1 kg Bag",
    "bullets": (
        "NOTHING BUT PEARS: Ripe pears, sliced and dried gently, without sulphur and without added sugar",
        "FOR SNACKS & BAKING: Soft slices for muesli, cakes and the lunch box – or straight from the bag",
        "1 KG BAG: Keeps fresh for months; press the zip shut and store it cool and dry",
    ),
    "store": f"Visit the {BRAND} Store",
    "by": f"Brand: {BRAND}",
    "brand": "Brand",
    "flavour": ("Flavor", "Pear"),
    "weight": ("Item Weight", "1 Kilograms"),
    "maker": "Manufacturer",
    "rank": ("Best Sellers Rank", "#1,284 in Grocery (See Top 100 in Grocery) #12 in Dried Pears"),
    "reviews_label": "Customer Reviews",
    "stars": "4.6 out of 5 stars",
    "ratings": "1,162 ratings",
    "category": ("Grocery", "Dried Fruits", "Dried Pears"),
    "stock": "In Stock",
    "fits": "Make sure this fits by entering your model number.",
    "more": "See more product details",
    "description": "Pears from small orchards, dried the day they are picked.",
}


def _english(price: str, old_price: str, amount: float, currency: str) -> Words:
    return Words(language="en", price=price, old_price=old_price, amount=amount, currency=currency, **_ENGLISH)  # type: ignore[arg-type]


WORDS: Final[dict[str, Words]] = {
    "US": _english("$1,014.99", "$1,219.99", 1014.99, "USD"),
    "UK": _english("£12.49", "£15.00", 12.49, "GBP"),
    "CA": _english("$19.00", "$24.00", 19.0, "CAD"),
    "DE": Words(
        language="de",
        title="Orchardly & Söhne Getrocknete Birnen, ungeschwefelte Birnenscheiben ohne Zuckerzusatz, 1 kg Beutel",
        bullets=(
            "NICHTS ALS BIRNEN: Reife Birnen, in Scheiben schonend getrocknet, ungeschwefelt und ohne Zuckerzusatz",
            "FÜR SNACKS & ZUM BACKEN: Weiche Scheiben für Müsli, Kuchen und Brotdose – oder gleich aus dem Beutel",
            "1 KG BEUTEL: Bleibt monatelang frisch; gut verschließen, kühl und trocken lagern",
        ),
        store=f"Besuche den {BRAND}-Store",
        by=f"Marke: {BRAND}",
        price="1.014,99 €",
        old_price="1.219,99 €",
        amount=1014.99,
        currency="EUR",
        brand="Marke",
        flavour=("Geschmack", "Birne"),
        weight=("Artikelgewicht", "1 Kilogramm"),
        maker="Hersteller",
        rank=(
            "Amazon Bestseller-Rang",
            "Nr. 1.284 in Lebensmittel (Siehe Top 100) Nr. 12 in Getrocknete Birnen",
        ),
        reviews_label="Kundenrezensionen",
        stars="4,6 von 5 Sternen",
        ratings="1.162 Sternebewertungen",
        category=("Lebensmittel & Getränke", "Trockenfrüchte", "Birnen"),
        stock="Auf Lager",
        fits="Geben Sie Ihr Modell ein, um sicherzustellen, dass dieser Artikel passt.",
        more="Weitere Produktdetails",
        description="Birnen aus kleinen Gärten, am Tag der Ernte getrocknet.",
    ),
    "FR": Words(
        language="fr",
        title="Orchardly & Söhne Poires séchées, tranches de poire non soufrées sans sucre ajouté, sachet de 1 kg",
        bullets=(
            "RIEN QUE DES POIRES : des poires mûres, tranchées et séchées doucement, sans soufre ni sucre ajouté",
            "POUR LE GOÛTER ET LA PÂTISSERIE : des tranches moelleuses pour le muesli, les gâteaux et le cartable",
            "SACHET DE 1 KG : se garde des mois ; bien refermer, au frais et au sec",
        ),
        store=f"Visiter la boutique {BRAND}",
        by=f"Marque : {BRAND}",
        price="1\u202f014,99\u00a0€",
        old_price="1\u202f219,99\u00a0€",
        amount=1014.99,
        currency="EUR",
        brand="Marque",
        flavour=("Arôme", "Poire"),
        weight=("Poids de l'article", "1 Kilogrammes"),
        maker="Fabricant",
        rank=("Classement des meilleures ventes d'Amazon", "1 284 en Epicerie 12 en Poires séchées"),
        reviews_label="Moyenne des commentaires client",
        stars="4,6 sur 5 étoiles",
        ratings="1\u202f162 évaluations",
        category=("Epicerie", "Fruits secs", "Poires"),
        stock="En stock",
        fits="Vérifiez la compatibilité en saisissant le numéro de votre modèle.",
        more="Voir plus de détails",
        description="Des poires de petits vergers, séchées le jour de la cueillette.",
    ),
    "IT": Words(
        language="it",
        title="Orchardly & Söhne Pere secche, fette di pera non solforate senza zuccheri aggiunti, busta da 1 kg",
        bullets=(
            "SOLO PERE: pere mature, tagliate a fette ed essiccate dolcemente, senza zolfo e senza zuccheri aggiunti",
            "PER MERENDE E DOLCI: fette morbide per muesli, torte e merende a scuola",
            "BUSTA DA 1 KG: si conserva per mesi; richiudere bene, in luogo fresco e asciutto",
        ),
        store=f"Visita lo Store di {BRAND}",
        by=f"Marca: {BRAND}",
        price="12,49€",
        old_price="15,00€",
        amount=12.49,
        currency="EUR",
        brand="Marca",
        flavour=("Gusto", "Pera"),
        weight=("Peso articolo", "1 Chilogrammi"),
        maker="Produttore",
        rank=("Posizione nella classifica Bestseller di Amazon", "n. 1.284 in Alimentari n. 12 in Pere secche"),
        reviews_label="Recensioni dei clienti",
        stars="4,6 su 5 stelle",
        ratings="1.162 voti",
        category=("Alimentari e cura della casa", "Frutta secca", "Pere"),
        stock="Disponibilità immediata",
        fits="Assicurati che si adatti inserendo il numero del tuo modello.",
        more="Mostra altri dettagli",
        description="Pere di piccoli frutteti, essiccate il giorno della raccolta.",
    ),
    "ES": Words(
        language="es",
        title="Orchardly & Söhne Peras deshidratadas, rodajas de pera sin azúcar añadido ni sulfitos, bolsa de 1 kg",
        bullets=(
            "SOLO PERAS: peras maduras, cortadas y deshidratadas suavemente, sin sulfitos y sin azúcar añadido",
            "PARA PICAR Y PARA REPOSTERÍA: rodajas tiernas para el muesli, las tartas y la merienda de los niños",
            "BOLSA DE 1 KG: se conserva durante meses; ciérrala bien y guárdala en un lugar fresco y seco",
        ),
        store=f"Visita la tienda de {BRAND}",
        by=f"Marca: {BRAND}",
        price="12,49 €",
        old_price="15,00 €",
        amount=12.49,
        currency="EUR",
        brand="Marca",
        flavour=("Sabor", "Pera"),
        weight=("Peso del producto", "1 Kilogramos"),
        maker="Fabricante",
        rank=("Clasificación en los más vendidos de Amazon", "nº1.284 en Alimentación nº12 en Peras"),
        reviews_label="Opiniones de los clientes",
        stars="4,6 de 5 estrellas",
        ratings="1.162 valoraciones",
        category=("Alimentación y bebidas", "Frutos secos", "Peras"),
        stock="En stock",
        fits="Asegúrate de que se ajusta introduciendo el número de tu modelo.",
        more="Ver más detalles",
        description="Peras de pequeños huertos, deshidratadas el día de la cosecha.",
    ),
}
