"""Search-console semantics: every kind of export into one contract, whose image a page is, and what Eq. 1 keeps."""
