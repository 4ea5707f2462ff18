"""What people have instead of a manifest: a folder of pictures, an image sitemap, a product feed."""
