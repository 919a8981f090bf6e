"""What a service's repository declares."""
