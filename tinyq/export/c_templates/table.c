/* A function of one code.  out may be in. */
static void table(const struct table *layer, const int8_t *in, int8_t *out)
{
    for (int32_t i = 0; i < layer->size; i++)
        out[i] = layer->table[in[i] + 128];
}
