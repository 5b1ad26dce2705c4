"""The drift worker: takes a task from an alert to a better production version, or to a written reason why not."""
