"""Instagram in the profiles: Instaloader and Apify against stand-ins that speak as they do."""
