/* Equations (8.1) and (8.2).  out may be a or b. */
static void add(const struct add *layer, const int8_t *a, const int8_t *b, int8_t *out)
{
    const int32_t fine = (int32_t)1 << layer->left_shift;
    for (int32_t i = 0; i < layer->size; i++) {
        const int64_t on_a = rescale(&layer->a, 0, (a[i] - layer->a_zero_point) * fine);
        const int64_t on_b = rescale(&layer->b, 0, (b[i] - layer->b_zero_point) * fine);
        const int64_t sum = rescale(&layer->sum, 0, (int32_t)(on_a + on_b));
        out[i] = saturate(sum + layer->out_grid.zero_point, &layer->out_grid);
    }
}
