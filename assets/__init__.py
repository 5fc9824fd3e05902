"""What exists: one module per layer of the lake. An asset names its inputs, its SQL, its checks."""
