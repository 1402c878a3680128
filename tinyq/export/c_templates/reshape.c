/* The codes as they are, in another place. */
static void reshape(const struct reshape *layer, const int8_t *in, int8_t *out)
{
    for (int32_t i = 0; i < layer->size; i++)
        out[i] = in[i];
}
