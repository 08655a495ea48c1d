"""A social profile with its posts and their comments: Mastodon, Bluesky and Instagram behind one interface."""
