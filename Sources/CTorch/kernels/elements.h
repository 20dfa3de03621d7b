// The elements of a tensor as a C array.
#pragma once

#include "../libtorch.h"

#include <ATen/core/Tensor.h>

namespace ctorch {

// The typed accessors of at::Tensor are not exported for const elements by every build of libtorch.
template <class T>
const T *elements(const at::Tensor &x) {
  return static_cast<const T *>(x.const_data_ptr());
}

template <class T>
T *mutable_elements(const at::Tensor &x) {
  return static_cast<T *>(x.mutable_data_ptr());
}

}  // namespace ctorch
