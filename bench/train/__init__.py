"""Training of any registered network on clean photos with rain drawn on the fly, or on pairs."""
