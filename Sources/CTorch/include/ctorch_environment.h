// Environment variables that libtorch's libraries read.
#pragma once

#include "ctorch_base.h"

/// Puts OpenMP's spin count into the environment, unless the user has decided how threads wait. Returns whether OpenMP was
/// loaded without it, so that only a new start of the program brings it there.
CTORCH_API bool ctorch_set_spin_count(void);
