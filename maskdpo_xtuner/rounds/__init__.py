"""On-policy rounds: sample from the model that the last round trained, pair, train on from it."""
