"""Statistics that know no language model: label models, folds, regression, evaluation."""
