"""What a model makes of topics and names: their vectors, and the distances between them."""
