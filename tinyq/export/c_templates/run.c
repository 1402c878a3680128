int tinyq_run(const int8_t *input, int8_t *output)
{
$statements
    return 0;
}
