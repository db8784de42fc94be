"""The table's rows of layers, but for those on grids."""

from __future__ import annotations

from .. import layers
from ._op import Op

ROWS = (
    # activations
    Op(
        "logsigmoid", layers.logsigmoid_forward, layers.logsigmoid_backward,
        differentiable=("input",), constant=(), elementwise=True,
        derivation="activations.md#logsigmoid", torch="torch.nn.functional.logsigmoid",
    ),
    Op(
        "sigmoid", layers.sigmoid_forward, layers.sigmoid_backward,
        differentiable=("input",), constant=(), elementwise=True,
        derivation="activations.md#sigmoid", torch="torch.nn.functional.sigmoid",
    ),
    Op(
        "softplus", layers.softplus_forward, layers.softplus_backward,
        differentiable=("input",), constant=("beta", "threshold"), elementwise=True,
        derivation="activations.md#softplus", torch="torch.nn.functional.softplus",
    ),
    Op(
        "softsign", layers.softsign_forward, layers.softsign_backward,
        differentiable=("input",), constant=(), elementwise=True,
        derivation="activations.md#softsign", torch="torch.nn.functional.softsign",
    ),
    Op(
        "squareplus", layers.squareplus_forward, layers.squareplus_backward,
        differentiable=("x",), constant=("b",), elementwise=True,
        derivation="activations.md#squareplus",
    ),
    Op(
        "tanh", layers.tanh_forward, layers.tanh_backward,
        differentiable=("input",), constant=(), elementwise=True,
        derivation="activations.md#tanh", torch="torch.nn.functional.tanh",
    ),
    Op(
        "tanhshrink", layers.tanhshrink_forward, layers.tanhshrink_backward,
        differentiable=("input",), constant=(), elementwise=True,
        derivation="activations.md#tanhshrink", torch="torch.nn.functional.tanhshrink",
    ),
    # batch_normalization
    Op(
        "batch_norm", layers.batch_norm_forward, layers.batch_norm_backward,
        differentiable=("input", "weight", "bias"),
        constant=("running_mean", "running_var", "training", "momentum", "eps"),
        derivation="batch_normalization.md#batch_norm", torch="torch.nn.functional.batch_norm",
    ),
    Op(
        "instance_norm", layers.instance_norm_forward, layers.instance_norm_backward,
        differentiable=("input", "weight", "bias"),
        constant=("running_mean", "running_var", "use_input_stats", "momentum", "eps"),
        derivation="batch_normalization.md#instance_norm", torch="torch.nn.functional.instance_norm",
    ),
    # direction
    Op(
        "cosine_similarity", layers.cosine_similarity_forward, layers.cosine_similarity_backward,
        differentiable=("x1", "x2"), constant=("dim", "eps"), kinks="|x1| = eps, |x2| = eps",
        departs="the clamp max(|x|, eps) is passed straight through",
        derivation="direction.md#cosine_similarity", torch="torch.nn.functional.cosine_similarity",
    ),
    Op(
        "normalize", layers.normalize_forward, layers.normalize_backward,
        differentiable=("input",), constant=("p", "dim", "eps"),
        kinks="the norm = eps, input = 0 for p = 1, equal largest or smallest entries for p = inf or -inf",
        derivation="direction.md#normalize", torch="torch.nn.functional.normalize",
    ),
    # distance
    Op(
        "cdist", layers.cdist_forward, layers.cdist_backward,
        differentiable=("x1", "x2"), constant=("p",),
        kinks="equal rows, equal entries for p = 1, equal largest differences for p = inf",
        derivation="distance.md#cdist", torch="torch.cdist",
    ),
    Op(
        "pairwise_distance", layers.pairwise_distance_forward, layers.pairwise_distance_backward,
        differentiable=("x1", "x2"), constant=("p", "eps", "keepdim"),
        kinks="no difference in a row, or an entry for p = 1; equal largest or smallest ones for p = inf or -inf",
        derivation="distance.md#pairwise_distance", torch="torch.nn.functional.pairwise_distance",
    ),
    Op(
        "pdist", layers.pdist_forward, layers.pdist_backward,
        differentiable=("input",), constant=("p",),
        kinks="equal rows, equal entries for p = 1, equal largest differences for p = inf",
        derivation="distance.md#pdist", torch="torch.nn.functional.pdist",
    ),
    # dropout
    Op(
        "alpha_dropout", layers.alpha_dropout_forward, layers.alpha_dropout_backward,
        differentiable=("input",), constant=("p", "training", "rng"), elementwise=True,
        derivation="dropout.md#alpha_dropout", torch="torch.nn.functional.alpha_dropout",
    ),
    Op(
        "dropout", layers.dropout_forward, layers.dropout_backward,
        differentiable=("input",), constant=("p", "training", "rng"), elementwise=True,
        derivation="dropout.md#dropout", torch="torch.nn.functional.dropout",
    ),
    Op(
        "dropout1d", layers.dropout1d_forward, layers.dropout1d_backward,
        differentiable=("input",), constant=("p", "training", "rng"), elementwise=True,
        derivation="dropout.md#dropout1d", torch="torch.nn.functional.dropout1d",
    ),
    Op(
        "dropout2d", layers.dropout2d_forward, layers.dropout2d_backward,
        differentiable=("input",), constant=("p", "training", "rng"), elementwise=True,
        derivation="dropout.md#dropout2d", torch="torch.nn.functional.dropout2d",
    ),
    Op(
        "dropout3d", layers.dropout3d_forward, layers.dropout3d_backward,
        differentiable=("input",), constant=("p", "training", "rng"), elementwise=True,
        derivation="dropout.md#dropout3d", torch="torch.nn.functional.dropout3d",
    ),
    Op(
        "feature_alpha_dropout", layers.feature_alpha_dropout_forward, layers.feature_alpha_dropout_backward,
        differentiable=("input",), constant=("p", "training", "rng"), elementwise=True,
        derivation="dropout.md#feature_alpha_dropout", torch="torch.nn.functional.feature_alpha_dropout",
    ),
    # elementary
    Op(
        "add", layers.add_forward, layers.add_backward,
        differentiable=("input", "other"), constant=("alpha",),
        derivation="elementary.md#add", torch="torch.add",
    ),
    Op(
        "mean", layers.mean_forward, layers.mean_backward,
        differentiable=("input",), constant=("dim", "keepdim"),
        derivation="elementary.md#mean", torch="torch.mean",
    ),
    Op(
        "multiply", layers.multiply_forward, layers.multiply_backward,
        differentiable=("input", "other"), constant=(),
        derivation="elementary.md#multiply", torch="torch.multiply",
    ),
    Op(
        "sum", layers.sum_forward, layers.sum_backward,
        differentiable=("input",), constant=("dim", "keepdim"),
        derivation="elementary.md#sum", torch="torch.sum",
    ),
    # embedding
    Op(
        "embedding", layers.embedding_forward, layers.embedding_backward,
        differentiable=("weight",), constant=("input", "padding_idx", "max_norm", "norm_type", "scale_grad_by_freq"),
        departs="padding_idx, max_norm and scale_grad_by_freq change the gradient alone, as PyTorch has it",
        derivation="embedding.md#embedding", torch="torch.nn.functional.embedding",
    ),
    Op(
        "embedding_bag", layers.embedding_bag_forward, layers.embedding_bag_backward,
        differentiable=("weight", "per_sample_weights"),
        constant=(
            "input", "offsets", "max_norm", "norm_type", "scale_grad_by_freq", "mode", "include_last_offset",
            "padding_idx",
        ),
        kinks="equal largest entries of a column in a bag, mode max",
        departs="max_norm and scale_grad_by_freq change the gradient alone, as PyTorch has it",
        derivation="embedding.md#embedding_bag", torch="torch.nn.functional.embedding_bag",
    ),
    # exponential_units
    Op(
        "celu", layers.celu_forward, layers.celu_backward,
        differentiable=("input",), constant=("alpha",), elementwise=True,
        derivation="exponential_units.md#celu", torch="torch.nn.functional.celu",
    ),
    Op(
        "elu", layers.elu_forward, layers.elu_backward,
        differentiable=("input",), constant=("alpha",), elementwise=True, kinks="input = 0, unless alpha = 1",
        derivation="exponential_units.md#elu", torch="torch.nn.functional.elu",
    ),
    Op(
        "selu", layers.selu_forward, layers.selu_backward,
        differentiable=("input",), constant=(), elementwise=True, kinks="input = 0",
        derivation="exponential_units.md#selu", torch="torch.nn.functional.selu",
    ),
    # gates
    Op(
        "geglu", layers.geglu_forward, layers.geglu_backward,
        differentiable=("a", "b"), constant=("approximate",), elementwise=True,
        derivation="gates.md#geglu",
    ),
    Op(
        "glu", layers.glu_forward, layers.glu_backward,
        differentiable=("input",), constant=("dim",),
        derivation="gates.md#glu", torch="torch.nn.functional.glu",
    ),
    Op(
        "maxout", layers.maxout_forward, layers.maxout_backward,
        differentiable=("x",), constant=("pool_size", "axis"), kinks="two largest elements of a group are equal",
        derivation="gates.md#maxout",
    ),
    Op(
        "swiglu", layers.swiglu_forward, layers.swiglu_backward,
        differentiable=("a", "b"), constant=(), elementwise=True,
        derivation="gates.md#swiglu",
    ),
    # hard_activations
    Op(
        "hardshrink", layers.hardshrink_forward, layers.hardshrink_backward,
        differentiable=("input",), constant=("lambd",), elementwise=True,
        derivation="hard_activations.md#hardshrink", torch="torch.nn.functional.hardshrink",
    ),
    Op(
        "hardsigmoid", layers.hardsigmoid_forward, layers.hardsigmoid_backward,
        differentiable=("input",), constant=(), elementwise=True, kinks="input = -3 or 3",
        derivation="hard_activations.md#hardsigmoid", torch="torch.nn.functional.hardsigmoid",
    ),
    Op(
        "hardswish", layers.hardswish_forward, layers.hardswish_backward,
        differentiable=("input",), constant=(), elementwise=True, kinks="input = -3 or 3",
        derivation="hard_activations.md#hardswish", torch="torch.nn.functional.hardswish",
    ),
    Op(
        "hardtanh", layers.hardtanh_forward, layers.hardtanh_backward,
        differentiable=("input",), constant=("min_val", "max_val"), elementwise=True,
        kinks="input = min_val or max_val",
        derivation="hard_activations.md#hardtanh", torch="torch.nn.functional.hardtanh",
    ),
    Op(
        "relu6", layers.relu6_forward, layers.relu6_backward,
        differentiable=("input",), constant=(), elementwise=True, kinks="input = 0 or 6",
        derivation="hard_activations.md#relu6", torch="torch.nn.functional.relu6",
    ),
    Op(
        "softshrink", layers.softshrink_forward, layers.softshrink_backward,
        differentiable=("input",), constant=("lambd",), elementwise=True, kinks="input = -lambd or lambd",
        derivation="hard_activations.md#softshrink", torch="torch.nn.functional.softshrink",
    ),
    # linear
    Op(
        "bilinear", layers.bilinear_forward, layers.bilinear_backward,
        differentiable=("input1", "input2", "weight", "bias"), constant=(),
        derivation="linear.md#bilinear", torch="torch.nn.functional.bilinear",
    ),
    Op(
        "grouped_mm", layers.grouped_mm_forward, layers.grouped_mm_backward,
        differentiable=("mat_a", "mat_b"), constant=("offs", "bias", "out_dtype"),
        derivation="linear.md#grouped_mm", torch="torch.nn.functional.grouped_mm",
    ),
    Op(
        "linear", layers.linear_forward, layers.linear_backward,
        differentiable=("input", "weight", "bias"), constant=(),
        derivation="linear.md#linear", torch="torch.nn.functional.linear",
    ),
    # normalization
    Op(
        "group_norm", layers.group_norm_forward, layers.group_norm_backward,
        differentiable=("input", "weight", "bias"), constant=("num_groups", "eps"),
        derivation="normalization.md#group_norm", torch="torch.nn.functional.group_norm",
    ),
    Op(
        "layer_norm", layers.layer_norm_forward, layers.layer_norm_backward,
        differentiable=("input", "weight", "bias"), constant=("normalized_shape", "eps"),
        derivation="normalization.md#layer_norm", torch="torch.nn.functional.layer_norm",
    ),
    Op(
        "rms_norm", layers.rms_norm_forward, layers.rms_norm_backward,
        differentiable=("input", "weight"), constant=("normalized_shape", "eps"),
        derivation="normalization.md#rms_norm", torch="torch.nn.functional.rms_norm",
    ),
    # products
    Op(
        "einsum", layers.einsum_forward, layers.einsum_backward,
        differentiable=("operand1", "operand2"), constant=("equation",),
        derivation="products.md#einsum", torch="torch.einsum",
    ),
    Op(
        "matmul", layers.matmul_forward, layers.matmul_backward,
        differentiable=("input", "other"), constant=(),
        derivation="products.md#matmul", torch="torch.matmul",
    ),
    # rectifiers
    Op(
        "leaky_relu", layers.leaky_relu_forward, layers.leaky_relu_backward,
        differentiable=("input",), constant=("negative_slope",), elementwise=True, kinks="input = 0",
        derivation="rectifiers.md#leaky_relu", torch="torch.nn.functional.leaky_relu",
    ),
    Op(
        "prelu", layers.prelu_forward, layers.prelu_backward,
        differentiable=("input", "weight"), constant=(), elementwise=True, kinks="input = 0",
        derivation="rectifiers.md#prelu", torch="torch.nn.functional.prelu",
    ),
    Op(
        "relu", layers.relu_forward, layers.relu_backward,
        differentiable=("input",), constant=(), elementwise=True, kinks="input = 0",
        derivation="rectifiers.md#relu", torch="torch.nn.functional.relu",
    ),
    Op(
        "rrelu", layers.rrelu_forward, layers.rrelu_backward,
        differentiable=("input",), constant=("lower", "upper", "training", "rng"), elementwise=True,
        kinks="input = 0",
        derivation="rectifiers.md#rrelu", torch="torch.nn.functional.rrelu",
    ),
    Op(
        "squared_relu", layers.squared_relu_forward, layers.squared_relu_backward,
        differentiable=("input",), constant=(), elementwise=True,
        derivation="rectifiers.md#squared_relu",
    ),
    Op(
        "threshold", layers.threshold_forward, layers.threshold_backward,
        differentiable=("input",), constant=("threshold", "value"), elementwise=True, kinks="input = threshold",
        derivation="rectifiers.md#threshold", torch="torch.nn.functional.threshold",
    ),
    # response_normalization
    Op(
        "local_response_norm", layers.local_response_norm_forward, layers.local_response_norm_backward,
        differentiable=("input",), constant=("size", "alpha", "beta", "k"),
        derivation="response_normalization.md#local_response_norm", torch="torch.nn.functional.local_response_norm",
    ),
    # self_gated
    Op(
        "gelu", layers.gelu_forward, layers.gelu_backward,
        differentiable=("input",), constant=("approximate",), elementwise=True,
        derivation="self_gated.md#gelu", torch="torch.nn.functional.gelu",
    ),
    Op(
        "mish", layers.mish_forward, layers.mish_backward,
        differentiable=("input",), constant=(), elementwise=True,
        derivation="self_gated.md#mish", torch="torch.nn.functional.mish",
    ),
    Op(
        "silu", layers.silu_forward, layers.silu_backward,
        differentiable=("input",), constant=(), elementwise=True,
        derivation="self_gated.md#silu", torch="torch.nn.functional.silu",
    ),
    # shapes
    Op(
        "concatenate", layers.concatenate_forward, layers.concatenate_backward,
        differentiable=("tensors",), constant=("dim",),
        derivation="shapes.md#concatenate", torch="torch.concatenate",
    ),
    Op(
        "reshape", layers.reshape_forward, layers.reshape_backward,
        differentiable=("input",), constant=("shape",),
        derivation="shapes.md#reshape", torch="torch.reshape",
    ),
    Op(
        "transpose", layers.transpose_forward, layers.transpose_backward,
        differentiable=("input",), constant=("dim0", "dim1"),
        derivation="shapes.md#transpose", torch="torch.transpose",
    ),
    # softmax
    Op(
        "gumbel_softmax", layers.gumbel_softmax_forward, layers.gumbel_softmax_backward,
        differentiable=("logits",), constant=("tau", "hard", "eps", "dim", "rng"),
        departs="hard=True answers a choice that has no derivative; backward is that of the soft choice",
        derivation="softmax.md#gumbel_softmax", torch="torch.nn.functional.gumbel_softmax",
    ),
    Op(
        "log_softmax", layers.log_softmax_forward, layers.log_softmax_backward,
        differentiable=("input",), constant=("dim", "dtype"),
        derivation="softmax.md#log_softmax", torch="torch.nn.functional.log_softmax",
    ),
    Op(
        "logsumexp", layers.logsumexp_forward, layers.logsumexp_backward,
        differentiable=("input",), constant=("dim", "keepdim"),
        derivation="softmax.md#logsumexp", torch="torch.logsumexp",
    ),
    Op(
        "softmax", layers.softmax_forward, layers.softmax_backward,
        differentiable=("input",), constant=("dim", "dtype"),
        derivation="softmax.md#softmax", torch="torch.nn.functional.softmax",
    ),
    Op(
        "softmin", layers.softmin_forward, layers.softmin_backward,
        differentiable=("input",), constant=("dim", "dtype"),
        derivation="softmax.md#softmin", torch="torch.nn.functional.softmin",
    ),
    # sparsemax
    Op(
        "sparsemax", layers.sparsemax_forward, layers.sparsemax_backward,
        differentiable=("input",), constant=("dim",), kinks="an entry at the threshold",
        derivation="sparsemax.md#sparsemax",
    ),
    # weight_normalization
    Op(
        "spectral_norm", layers.spectral_norm_forward, layers.spectral_norm_backward,
        differentiable=("weight",), constant=("u", "v", "dim"),
        derivation="weight_normalization.md#spectral_norm", torch="torch.nn.utils.parametrizations.spectral_norm",
    ),
    Op(
        "weight_norm", layers.weight_norm_forward, layers.weight_norm_backward,
        differentiable=("v", "g"), constant=("dim",),
        derivation="weight_normalization.md#weight_norm", torch="torch._weight_norm",
    ),
)  # fmt: skip
