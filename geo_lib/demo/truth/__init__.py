"""What the simulated platform means by each picture: latents, intents and their wordings."""
