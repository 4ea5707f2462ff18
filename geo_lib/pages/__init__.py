"""The site: HTML pages, structured data, pictures, sitemap and robots."""
