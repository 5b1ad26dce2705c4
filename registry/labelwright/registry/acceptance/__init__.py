"""Whether a bundle is accepted: findings, figures and gates. Knows no storage."""
