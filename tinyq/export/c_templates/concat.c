/* A run of each input in turn, as often as there are codes before the axis. */
static void concat(const struct concat *layer, const int8_t *const *in, int8_t *out)
{
    for (int32_t i = 0; i < layer->outer; i++) {
        for (int32_t k = 0; k < layer->count; k++) {
            const int32_t run = layer->runs[k];
            for (int32_t j = 0; j < run; j++)
                *out++ = in[k][i * run + j];
        }
    }
}
