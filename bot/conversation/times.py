"""How long something still takes, told honestly: as a range, and rounded as people round."""


def eta_range(eta_s: float) -> tuple[float, float]:
    """Least and most, from one estimate: work speeds up rarely and is often interrupted."""
    return eta_s * 0.85, eta_s * 1.35 + 5
