"""Other projects' function names, arguments and conventions, as thin adapters over refimpl's pairs."""
