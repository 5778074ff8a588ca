"""What is asked of a restored image, one module a task."""
