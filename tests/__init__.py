"""Tests: unit (pure, seconds), golden (request to decision and plan), component (real parts alone), e2e (the sandbox), bench."""
