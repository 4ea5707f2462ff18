"""The link graph of the site: its plan, its checks and the authority it gives each page."""
