"""Private enterprise SLM appliance: a company's own small language model, documents and fine-tunes."""

__version__ = "0.1.0"
