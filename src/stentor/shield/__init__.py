"""The shield: what is done about hostile traffic, decided from facts alone. Pure; never acts."""
