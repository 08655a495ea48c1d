"""A small Amazon: product pages of seven marketplaces, with troubles of their own, and keyword exports to go with."""
