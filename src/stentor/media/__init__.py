"""The programme as samples, parts and boxes. Pure arithmetic and bytes; no encoder, no I/O."""
