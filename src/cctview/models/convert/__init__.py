"""Weights of other frameworks written as ONNX; needs the extra ``convert``."""
