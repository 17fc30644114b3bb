"""Charts as SVG, and pages that need nothing from elsewhere: numbers in, text out. Pure."""
