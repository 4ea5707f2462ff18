"""The image catalogue: manifest rows into the contract, and pictures that are known to decode."""
