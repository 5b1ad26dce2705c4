"""Decides whether a bundle is accepted: findings, figures and gates. Independent of storage."""
