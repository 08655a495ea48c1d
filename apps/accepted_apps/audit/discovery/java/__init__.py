"""Java, as far as Spring's routes need it: types found by name, constants over classes, annotations, settings.

`types` reads declarations, `code` finds a type from where it is named, `constants` folds strings, `settings` reads
application.properties and .yml, `mappings` reads annotations and `functional` the routes that are made by calls.
"""
