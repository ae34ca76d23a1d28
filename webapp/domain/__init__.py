"""Rules of the product as pure functions and values; standard library only."""
