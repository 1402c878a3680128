"""The add balancer of chapter 8."""
