"""Vectors of texts: of a language model's hidden layer, of sentence-transformers, of a server."""
