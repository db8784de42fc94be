"""The course's linear classifiers: losses (W, X, y, reg) -> (loss, dW), with reg sum(W^2) added."""

from .linear_svm import svm_loss_naive, svm_loss_vectorized
from .softmax import softmax_loss_naive, softmax_loss_vectorized

__all__ = ["softmax_loss_naive", "softmax_loss_vectorized", "svm_loss_naive", "svm_loss_vectorized"]
