"""How a call (申报通知、批次) moves, and leave to hand in late."""
