"""What lessons and panels compute: plain functions, a file a lesson, tested without a picture."""
