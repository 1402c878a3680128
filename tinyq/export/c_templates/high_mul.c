/* Equation (5.2), for factors that are not both INT32_MIN. */
static int32_t high_mul(int32_t a, int32_t b)
{
    const int64_t product = (int64_t)a * b;
    const int64_t half = (int64_t)1 << 30;
    return (int32_t)((product + (product >= 0 ? half : 1 - half)) / ((int64_t)1 << 31));
}
