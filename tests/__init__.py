"""unit (pure, seconds), golden (request to plan), component (real parts alone), e2e (the sandbox), bench."""
