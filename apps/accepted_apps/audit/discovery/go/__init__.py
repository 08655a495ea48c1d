"""Go programs as far as routes need them: packages, their declarations, and what runs when routes are registered."""
