"""The simulated platform: drawn images, their words and their search demand, all from one latent truth."""
