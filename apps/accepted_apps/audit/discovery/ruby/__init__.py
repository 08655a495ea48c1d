"""What a Rails application says of its routes: the language's values, its routes files, its controllers."""
