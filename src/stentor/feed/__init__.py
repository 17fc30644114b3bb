"""How programme, parts and room state travel from one part of Stentor to the next."""
