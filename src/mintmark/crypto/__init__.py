"""How secrets are kept: hashed when they only have to be recognised, sealed when they have to be used."""
