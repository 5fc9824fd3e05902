"""What assets use to touch the world. No module here decides on order, schedule or partitions."""
