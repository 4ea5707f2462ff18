"""Drawing: from a latent to pixels."""
